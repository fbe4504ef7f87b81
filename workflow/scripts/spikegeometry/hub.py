"""A model from elsewhere in place of a run's own, by a folder or a name on the hub: the config key `model_folder`."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from spikegeometry.config import is_hub_name
from spikegeometry.errors import InputError
from spikegeometry.published import KNOWN, NEEDED, OF_MACHINE, REFERENCE, SETTINGS, file_digest, read_published
from spikegeometry.schema import read_schema, read_text


def with_published(given: dict[str, Any]) -> dict[str, Any]:
    """The configuration as given, with what the folder says that `model_folder` names; without one, as it is.

    Its results have a place of their own, by the model's run and some digits of a digest, unless `run` is given.

    Raises InputError where the folder cannot be had or cannot serve, and where a key says other than it.
    """
    if not given.get("model_folder"):
        return given
    given = read_text(deepcopy(given), read_schema())
    folder = _located(given)
    settings = read_published(folder)["config"]
    run = given.pop("run", None) or f"{settings['run']}-{file_digest(folder / SETTINGS)[:8]}"
    joined = _joined(given, settings, "")
    joined |= {"run": run, "model_folder": str(folder)}
    # The tables of the parts of the protein are for analyses, of which there are none.
    joined["reference"] |= {"fasta": str(folder / REFERENCE), "domains": None, "regions": None}
    # The schema wants a source, of which nothing is read.
    return {"source": {"type": "simulate", "simulate": {}}} | joined


def _located(given: dict[str, Any]) -> Path:
    """The folder on this machine, fetched from the hub where `model_folder` is a name there."""
    name, network = given["model_folder"], given.get("network")
    if Path(name).is_dir():
        return Path(name)
    if not is_hub_name(name):
        raise InputError(f"Config key model_folder: no folder {name}.\nGive a path, or a name on the hub: owner/model.")
    revision = str(given.get("model_revision") or read_schema()["properties"]["model_revision"]["default"])
    return _fetched(name, revision, isinstance(network, dict) and network.get("offline") is True)


def _fetched(name: str, revision: str, offline: bool) -> Path:
    """The folder of a model of the hub in the hub's own cache; of what is complete there nothing is asked again."""
    try:
        from httpx import HTTPError
        from huggingface_hub import snapshot_download
    except ImportError:
        raise InputError(
            "Config key model_folder: huggingface_hub, which fetches a model from the hub, is not installed.\n"
            "Install it (pip install huggingface_hub), or download the model's folder and name that."
        ) from None
    # No token is sent, were there one: what is not public is fetched by those who may.
    wanted = {"repo_id": name, "revision": revision, "token": False, "allow_patterns": [SETTINGS, *NEEDED, KNOWN]}
    try:
        folder = Path(snapshot_download(**wanted, local_files_only=True))
        if all((folder / file).is_file() for file in (SETTINGS, *NEEDED)):
            return folder
    except (OSError, ValueError):
        pass  # it is not here, or not whole
    try:
        return Path(snapshot_download(**wanted, local_files_only=offline))
    except (OSError, ValueError, HTTPError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"Config key model_folder: {name} (revision {revision}) cannot be fetched from the hub: {said}\n"
            "See that the name and model_revision are right, or download the model's folder and name that."
        ) from error


def _joined(given: dict[str, Any], settings: dict[str, Any], above: str) -> dict[str, Any]:
    """What is given, and the settings; raises InputError where both say a key and not the same, but for OF_MACHINE."""
    joined = dict(given)
    for name, value in settings.items():
        key, own = f"{above}{name}", given.get(name, value)
        if isinstance(value, dict) and isinstance(own, dict):
            joined[name] = _joined(own, value, f"{key}.")
        elif own != value and key not in OF_MACHINE:
            raise InputError(f"Config key {key}: it is {own}, and {value} for the model.\nLeave it out.")
        else:
            joined[name] = own
    return joined
