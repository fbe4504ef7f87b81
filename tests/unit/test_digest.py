"""The library digest follows imports, and changes with any text on the way."""

import pytest

from spikegeometry import digest as module


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package a -> b.c -> d, with e apart."""
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
    assert module.all_modules("a") == ["a", "b", "b.c", "d"]
    assert module.all_modules("e") == ["e"]


def test_digest_changes_with_what_is_reached_alone(package):
    of_a, of_e = module.digest("a"), module.digest("e")
    (package / "d.py").write_text("VALUE = 2\n")
    assert module.digest("a") != of_a
    assert module.digest("e") == of_e


def test_unknown_module_is_an_error(package):
    with pytest.raises(ValueError, match="no module spikegeometry.f"):
        module.digest("f")
