"""A model as it is passed on: what its folder holds, and what is refused of folders that come from others."""

import json
import os
import subprocess
import sys
from copy import deepcopy

import pytest
import torch
from safetensors.torch import load_file, save_file

from checkout import SCRIPTS
from loopback import Handler, serving
from spikegeometry.config import load_config
from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, read_vocabulary
from spikegeometry.errors import InputError
from spikegeometry.evaluation.abstention import Abstention, write_abstention
from spikegeometry.hub import with_published
from spikegeometry.model.class_space import fit_class_space, save_class_space
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.folders import save_model, save_tokenizer
from spikegeometry.model.imported import import_model
from spikegeometry.published import (
    BESIDE,
    CARD,
    KNOWN,
    MODEL,
    REFERENCE,
    SETTINGS,
    file_digest,
    read_published,
    settings_of_answers,
    write_published,
)
from spikegeometry.report.model_card import USE
from tiny_bert import CLASSES, KMERS, classifier

K, END = 3, 60
SIMULATED = {"type": "simulate", "simulate": {}}
CONFIG = load_config(
    {
        "run": "small",
        "classes": CLASSES,
        "source": SIMULATED,
        "reference": {"gene": "E", "start": 1, "end": END},
        "dataset": {"k": K, "stride": 3},
        "cleaning": {"min_length": 30},
    }
)


@pytest.fixture
def published(tmp_path):
    """The folder of an untrained model that tells three classes apart by a gene of 60 bases."""
    made = tmp_path / "made"
    made.mkdir()
    save_model(classifier(), made)
    kmers = sorted(f"{a}{b}{c}" for a in "ACG" for b in "ACG" for c in "ACG")[:KMERS]
    save_tokenizer([*SPECIAL_TOKENS, *kmers], 64, made)
    vectors = torch.randn(9, 16, generator=torch.Generator().manual_seed(0))
    save_class_space(fit_class_space(vectors, torch.arange(9) % 3, 2), made / "class_space.safetensors")
    write_abstention(Abstention(CLASSES, 1.0, "energy", [0.0] * 3, 0.95, [3] * 3, 0), made / "abstention.json")
    about = {"classes": CLASSES, "cautions": [], "sentences": [], "definitions": []}
    texts = {"about.json": json.dumps(about), REFERENCE: ">r\n" + "ACG" * 20 + "\n", KNOWN: "known", CARD: "# Card\n"}
    for name, text in texts.items():
        (made / name).write_text(text)
    names = [*MODEL, *BESIDE, REFERENCE, KNOWN, CARD]
    write_published({name: made / name for name in names}, settings_of_answers(CONFIG), tmp_path / "published")
    return tmp_path / "published"


def given(folder, **more):
    return {"model_folder": str(folder), "query": "q.fasta"} | more


def changed(path, change):
    """Change a file of JSON."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def imported(folder, target):
    beside = [str(target / name) for name in BESIDE]
    target.mkdir()
    import_model(folder, target / "finetuned", beside)


def test_the_configuration_of_answers_is_that_of_the_maker(published):
    config = load_config(with_published(given(published, network={"offline": "true"})))
    assert settings_of_answers(config) == settings_of_answers(CONFIG) | {"run": config["run"]}
    assert config["run"] == f"small-{file_digest(published / SETTINGS)[:8]}"
    assert config["reference"]["fasta"] == str(published / REFERENCE) and config["reference"]["domains"] is None
    assert config["query"] == "q.fasta"


def test_without_a_folder_nothing_is_changed():
    before = {"run": "x", "source": SIMULATED}
    assert with_published(deepcopy(before)) == before


def test_what_a_machine_can_do_may_be_said(published):
    config = load_config(with_published(given(published, model={"threads": "1"}, run="mine")))
    assert (config["model"]["threads"], config["run"]) == (1, "mine")


def test_a_key_that_says_other_than_the_model(published):
    with pytest.raises(InputError, match=r"Config key dataset\.stride: it is 2, and 3 for the model"):
        with_published(given(published, dataset={"stride": "2"}))


def test_a_model_without_genomes(published):
    with pytest.raises(InputError, match="model_folder: it answers for genomes"):
        load_config(with_published(given(published, query=None)))


def test_sequences_of_gisaid_do_not_go_along():
    gisaid = {"type": "gisaid", "gisaid": {"archives": ["a.tar"]}}
    for source in (gisaid, SIMULATED | {"background": gisaid}):
        config = {"run": "x", "source": source, "publish": {"training_sequences": True}}
        with pytest.raises(InputError, match=r"publish\.training_sequences: source.* is GISAID"):
            load_config(config)


def test_the_copy_is_what_was_published(published, tmp_path):
    imported(published, tmp_path / "here")
    for name in MODEL:
        assert (tmp_path / "here/finetuned" / name).read_bytes() == (published / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == sorted([*BESIDE, "finetuned"])


def test_training_sequences_may_be_taken_out(published, tmp_path):
    (published / KNOWN).unlink()
    imported(published, tmp_path / "here")


def test_the_card_says_how_to_load_it(published, capsys):
    """Its program gives the class that the model gives to the tokens of our own encoder."""
    gene = "AAAACCGGGCATAAG"
    code = USE.format(coordinates="projected", k=K, stride=3).split("```python\n")[1].split("```")[0]
    exec(code, {"folder": str(published), "gene": gene})
    ids = Encoder(read_vocabulary(published / "vocab.txt"), 3).encode([gene])[0]
    logits = load_classifier(published, CLASSES, torch.device("cpu"))(torch.from_numpy(ids)[None].long()).logits
    assert capsys.readouterr().out.strip() == CLASSES[int(logits.argmax())]


REFUSED = {
    "no settings": (lambda folder: (folder / SETTINGS).unlink(), "has no spikegeometry.json"),
    "another form": (lambda folder: changed(folder / SETTINGS, lambda at: at.update(format=2)), "has the form 2"),
    "no JSON": (lambda folder: (folder / SETTINGS).write_text("<html>"), "cannot be read"),
    "a list": (lambda folder: (folder / SETTINGS).write_text("[]"), "cannot be read"),
    "no stride": (
        lambda folder: changed(folder / SETTINGS, lambda at: at["config"]["dataset"].pop("stride")),
        "stride",
    ),
    "a pickle": (
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        "lacks model.safetensors",
    ),
    "a path": (
        lambda folder: changed(folder / SETTINGS, lambda at: at["files"].update({"../x": ""})),
        "none of a model",
    ),
    "other classes": (
        lambda folder: changed(folder / "config.json", lambda at: at["id2label"].update({"0": "green", "1": "red"})),
        "in config.json green, red, blue",
    ),
    "another rule": (
        lambda folder: changed(folder / "abstention.json", lambda at: at["classes"].reverse()),
        "in abstention.json blue, green, red",
    ),
    "code": (lambda folder: changed(folder / "config.json", lambda at: at.update(auto_map={"A": "b.py"})), "never is"),
    "another network": (
        lambda folder: changed(folder / "config.json", lambda at: at.update(model_type="gpt2")),
        "BERT",
    ),
    "fewer tokens": (lambda folder: (folder / "vocab.txt").write_text("[PAD]\nAAA\n"), "has 2 tokens"),
    "longer k-mers": (
        lambda folder: changed(folder / SETTINGS, lambda at: at["config"]["dataset"].update(k=4)),
        "k-mers of 4",
    ),
    "a longer gene": (
        lambda folder: changed(folder / SETTINGS, lambda at: at["config"]["reference"].update(end=3000)),
        "reads 64 tokens, and its gene has 1002",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_cannot_serve_is_refused_when_the_workflow_is_read(published, case):
    spoil, said = REFUSED[case]
    spoil(published)
    with pytest.raises(InputError, match="Config key model_folder") as error:
        with_published(given(published))
    assert said in str(error.value) and len(str(error.value).splitlines()) == 2


def test_coordinates_are_those_of_the_schema(published):
    changed(published / SETTINGS, lambda at: at["config"]["dataset"].update(coordinates="polar"))
    with pytest.raises(InputError, match=r"dataset\.coordinates: polar is not allowed"):
        load_config(with_published(given(published)))


def test_a_cut_file_is_refused(published, tmp_path):
    weights = published / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(InputError, match="not as it was published: model.safetensors"):
        imported(published, tmp_path / "here")


def resealed(folder):
    """Say of all files that they are as they were published."""
    changed(folder / SETTINGS, lambda at: at.update(files={name: file_digest(folder / name) for name in at["files"]}))


WEIGHTS = {
    "lacks": (lambda tensors: tensors.pop("classifier.bias"), "lacks classifier.bias"),
    "has besides": (lambda tensors: tensors.update(more=torch.zeros(1)), "has besides more"),
    "misfits": (lambda tensors: tensors.update({"classifier.bias": torch.zeros(4)}), "misfits classifier.bias"),
    "no number": (lambda tensors: tensors["classifier.bias"].fill_(torch.nan), "no numbers in classifier.bias"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_of_another_network_are_refused(published, tmp_path, case):
    spoil, said = WEIGHTS[case]
    tensors = load_file(published / "model.safetensors")
    spoil(tensors)
    save_file(tensors, published / "model.safetensors", metadata={"format": "pt"})
    resealed(published)
    with pytest.raises(InputError, match=said):
        imported(published, tmp_path / "here")


def test_a_space_of_another_width_is_refused(published, tmp_path):
    space = fit_class_space(torch.randn(9, 8), torch.arange(9) % 3, 2)
    save_class_space(space, published / "class_space.safetensors")
    resealed(published)
    with pytest.raises(InputError, match="width 16 and a class space of 8"):
        imported(published, tmp_path / "here")


COMMIT = "0123456789abcdef0123456789abcdef01234567"
FETCH = """
import json, sys
from spikegeometry.errors import InputError
from spikegeometry.hub import with_published
try:
    config = with_published(json.loads(sys.argv[1]))
except InputError as error:
    sys.exit(str(error))
print(config["model_folder"])
"""


class Hub(Handler):
    """As much of the hub as a download asks for."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.requests[self.path].append(dict(self.headers))
        folder, at = self.server.folder, f"/resolve/{COMMIT}/"
        names = sorted(path.name for path in folder.iterdir())
        if self.path.startswith("/api/models/me/small/revision/v1"):
            body = {"id": "me/small", "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
        elif self.path.startswith(f"/api/models/me/small/tree/{COMMIT}"):
            body = [
                {
                    "type": "file",
                    "path": name,
                    "size": (folder / name).stat().st_size,
                    "oid": file_digest(folder / name),
                }
                for name in names
            ]
        elif at in self.path:
            body = (folder / self.path.partition(at)[2]).read_bytes()
        else:
            return self._refuse(404, {"X-Error-Code": "RepoNotFound"})
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "ETag": f'"{abs(hash(body))}"',
            "X-Repo-Commit": COMMIT,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
        return None


def fetched(server, home, **changes):
    """What a run says of a model of the hub that `server` stands in for, in a process of its own."""
    environment = os.environ | {
        "HF_ENDPOINT": server.url("").rstrip("/"),
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": "hf_secret",
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONPATH": str(SCRIPTS),
    }
    wanted = given("me/small", model_revision="v1") | changes
    command = [sys.executable, "-c", FETCH, json.dumps(wanted)]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)


def test_a_model_of_the_hub(published, tmp_path):
    """It is fetched once, without what no answer needs, and no token is sent; a name that is not there is said."""
    (published / "run.py").write_text("print(1)")
    with serving() as server:
        server.RequestHandlerClass, server.folder = Hub, published
        first = fetched(server, tmp_path)
        assert first.returncode == 0, first.stderr
        folder = first.stdout.strip()
        assert COMMIT in folder and read_published(type(published)(folder)) == read_published(published)
        assert not os.path.exists(f"{folder}/run.py") and not os.path.exists(f"{folder}/{CARD}")
        asked = [headers for one in server.requests.values() for headers in one]
        assert asked and not [headers for headers in asked if "authorization" in map(str.lower, headers)]
        server.requests.clear()
        again = fetched(server, tmp_path, network={"offline": "true"})
        assert again.stdout == first.stdout and not server.requests
        absent = fetched(server, tmp_path, model_folder="me/other")
        assert absent.returncode == 1 and "me/other (revision v1) cannot be fetched from the hub" in absent.stderr
        assert "Traceback" not in absent.stderr


def test_offline_a_model_of_the_hub_that_is_not_here(published, tmp_path):
    with serving() as server:
        result = fetched(server, tmp_path, network={"offline": "true"})
        assert result.returncode == 1 and "cannot be fetched from the hub" in result.stderr
        assert not server.requests
