"""The digest of a script follows its imports, and changes with any text on the way."""

import pytest

from spikegeometry import digest as module


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose a imports b.c, which imports d; e stands apart."""
    files = {
        "a.py": "from spikegeometry.b import c\n",
        "b/__init__.py": "",
        "b/c.py": "import numpy\n\n\ndef f():\n    import spikegeometry.d\n",
        "d.py": "VALUE = 1\n",
        "e.py": "VALUE = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    module.imported_modules.cache_clear()
    yield tmp_path
    module.imported_modules.cache_clear()


def test_imports_are_followed(package):
    assert module.all_modules(package / "a.py") == ["b", "b.c", "d"]
    assert module.all_modules(package / "e.py") == []


def test_digest_changes_with_what_is_reached_alone(package):
    scripts = package / "a.py", package / "e.py"
    of_a, of_e = map(module.digest, scripts)
    (package / "e.py").write_text("VALUE = 3\n")
    assert module.digest(scripts[1]) != of_e
    of_e = module.digest(scripts[1])
    (package / "d.py").write_text("VALUE = 2\n")
    assert module.digest(scripts[0]) != of_a
    assert module.digest(scripts[1]) == of_e
