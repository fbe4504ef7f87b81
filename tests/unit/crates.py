"""A validator of crates that asks for nothing on the network."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import rocrate
from requests import Request
from requests_cache import CachedSession
from requests_cache.models import CachedRequest, CachedResponse
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def faults(folder: Path) -> list[str]:
    """What the profile of workflow runs demands and a crate lacks.

    The words of crates, which the validator would fetch, are those that come with rocrate, of version 1.3; 1.1 names
    two types otherwise.
    """
    words = json.loads(Path(rocrate.__file__).with_name("data").joinpath("ro-crate.jsonld").read_text(encoding="utf-8"))
    words["@context"] |= {
        name: f"https://bioschemas.org/{name}" for name in ("ComputationalWorkflow", "FormalParameter")
    }
    request = {"method": "GET", "url": CONTEXT}
    answer = {"status_code": 200, "url": CONTEXT, "headers": {"Content-Type": "application/ld+json"}}
    kept = CachedResponse(content=json.dumps(words).encode(), request=CachedRequest(**request), **answer)
    with TemporaryDirectory() as scratch:
        cache = Path(scratch, "cache")
        with CachedSession(str(cache)) as session:
            session.cache.save_response(kept, session.cache.create_key(Request(**request).prepare()))
        settings = ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier="workflow-run-crate-0.5",
            requirement_severity=Severity.REQUIRED,
            offline=True,
            cache_path=cache,
        )
        return [issue.message for issue in validate(settings).get_issues()]
