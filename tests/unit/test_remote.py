"""Files behind URLs, from a real server that cuts, stalls, refuses and lies."""

import hashlib
import json
import os
import threading
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from loopback import File, serving
from spikegeometry.errors import InputError
from spikegeometry.genomes.remote import Credentials, Remote, local_path

BODY = bytes(range(256)) * 4000  # 1,024,000 bytes
SHA256 = hashlib.sha256(BODY).hexdigest()
ACCOUNT = Credentials("TEST_USER", "TEST_PASSWORD")
SECRET = 'p@ss:w/ö"rd%20'


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def remote(tmp_path):
    return Remote(tmp_path / "cache", retries=3, backoff=0.01, timeout=0.5, per_second=1000)


def read(remote, url, credentials=None):
    with remote.open(url, credentials) as file:
        return file.read()


def test_whole_body(server, remote):
    server.files["x"] = File(BODY)
    assert read(remote, server.url("x")) == BODY
    assert server.requests["x"][0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("cuts", [[1000], [500_000, 100_000, 7], [0, 0, 0]])
def test_cut_connections_are_resumed(server, remote, ranges, cuts):
    server.files["x"] = File(BODY, cuts=list(cuts), ranges=ranges)
    assert read(remote, server.url("x")) == BODY
    assert len(server.requests["x"]) == len(cuts) + 1
    assert all(request["If-Range"] == '"v1"' for request in server.requests["x"] if "Range" in request)


def test_a_connection_that_stays_cut(server, remote):
    server.files["x"] = File(BODY, cuts=[1000, 0, 0, 0, 0])
    with pytest.raises(InputError, match=r"/x: the connection was cut 4 times at byte 1,000.*network.retries"):
        read(remote, server.url("x"))


def test_progress_renews_the_retries(server, remote):
    server.files["x"] = File(BODY, cuts=[1000] * 10)
    assert read(remote, server.url("x")) == BODY


def test_a_stalled_body_is_resumed(server, remote):
    server.files["x"] = File(BODY, pauses=[2.0])
    started = time.monotonic()
    assert read(remote, server.url("x")) == BODY
    assert time.monotonic() - started < 1.9


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changes_while_it_is_read(server, remote, ranges):
    server.files["x"] = File(BODY, cuts=[1000], etags=['"v1"', '"v2"'], ranges=ranges)
    with pytest.raises(InputError, match="changed while it was read"):
        read(remote, server.url("x"))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_refusals_are_retried(server, remote, status):
    server.files["x"] = File(BODY, statuses=[status, status])
    assert read(remote, server.url("x")) == BODY
    assert len(server.requests["x"]) == 3


def test_the_server_says_how_long_to_wait(server, remote):
    server.files["x"] = File(BODY, statuses=[429], headers={"Retry-After": "1"})
    started = time.monotonic()
    assert read(remote, server.url("x")) == BODY
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("status", "message", "requests"),
    [
        (503, "not available now .HTTP 503", 4),
        (404, "cannot be had .HTTP 404.*Check the URL", 1),
        (403, "asks for credentials .HTTP 403", 1),
    ],
)
def test_lasting_refusals(server, remote, status, message, requests):
    server.files["x"] = File(statuses=[status] * 9)
    with pytest.raises(InputError, match=message):
        read(remote, server.url("x"))
    assert len(server.requests["x"]) == requests


def test_nobody_answers(remote):
    with serving() as ended:
        url = ended.url("x")
    with pytest.raises(InputError, match="cannot be reached .*after 3 retries"):
        read(remote, url)


def test_a_login_page_is_no_file(server, remote):
    server.files["x"] = File(b"<html>Sign in</html>", kind="text/html; charset=utf-8")
    with pytest.raises(InputError, match="web page, perhaps for a login"):
        read(remote, server.url("x"))


def test_credentials_come_from_the_environment(server, remote, monkeypatch):
    server.files["x"] = File(BODY, user="jo:é", password=SECRET)
    with pytest.raises(InputError, match="TEST_USER is not set"):
        read(remote, server.url("x"), ACCOUNT)
    monkeypatch.setenv("TEST_USER", "jo:é")
    monkeypatch.setenv("TEST_PASSWORD", "wrong-one")
    with pytest.raises(InputError, match="refuses the credentials of TEST_USER and TEST_PASSWORD") as caught:
        read(remote, server.url("x"), ACCOUNT)
    assert "wrong-one" not in str(caught.value)


def test_right_credentials(server, remote, monkeypatch):
    server.files["x"] = File(BODY, user="jo", password=SECRET, cuts=[10])
    monkeypatch.setenv("TEST_USER", "jo")
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    assert read(remote, server.url("x"), ACCOUNT) == BODY


def test_credentials_are_not_sent_on_to_another_host(server, remote, monkeypatch):
    monkeypatch.setenv("TEST_USER", "jo")
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    with serving() as other:
        other.files["y"] = File(BODY)
        server.files["x"] = File(redirect=other.url("y").replace("127.0.0.1", "localhost"))
        assert read(remote, server.url("x"), ACCOUNT) == BODY
        assert "Authorization" in server.requests["x"][0]
        assert "Authorization" not in other.requests["y"][0]


def test_credentials_in_a_url_are_refused(server, remote):
    with pytest.raises(InputError) as caught:
        read(remote, server.url("x").replace("//", "//jo:hidden@"))
    assert "environment variables" in str(caught.value) and "hidden" not in str(caught.value)


def test_a_fetched_file_is_kept_with_what_is_known_of_it(server, remote, tmp_path):
    server.files["a/x.fasta"] = File(BODY, cuts=[1000])
    path = remote.fetch(server.url("a/x.fasta"), SHA256)
    assert path.read_bytes() == BODY and path.name.endswith("-x.fasta")
    about = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert (about["url"], about["size"], about["sha256"]) == (server.url("a/x.fasta"), len(BODY), SHA256)
    assert remote.fetch(server.url("a/x.fasta")) == path
    assert len(server.requests["a/x.fasta"]) == 2
    assert sorted(tmp_path.joinpath("cache").iterdir()) == [path, path.with_name(f"{path.name}.json")]


def test_wrong_checksum(server, remote, tmp_path):
    server.files["x"] = File(BODY[:-1])
    with pytest.raises(InputError, match=f"not {SHA256}"):
        remote.fetch(server.url("x"), SHA256)
    assert list(tmp_path.joinpath("cache").iterdir()) == []
    path = remote.fetch(server.url("x"))
    with pytest.raises(InputError, match="Delete it to fetch anew"):
        remote.fetch(server.url("x"), SHA256)
    assert path.is_file()


def test_a_later_run_goes_on_where_an_ended_one_stopped(server, remote, tmp_path):
    server.files["x"] = File(BODY, cuts=[1000, 0, 0, 0])
    with pytest.raises(InputError, match="was cut 4 times"):
        remote.fetch(server.url("x"))
    (left,) = tmp_path.joinpath("cache").iterdir()
    assert left.stat().st_size == 1000
    os.utime(left, (0, 0))
    assert remote.fetch(server.url("x"), SHA256).read_bytes() == BODY
    assert server.requests["x"][-1]["Range"] == "bytes=1000-"
    assert not left.exists()


def test_what_is_left_of_another_version_is_not_used(server, remote, tmp_path):
    server.files["x"] = File(b"old" * 1000, etag='"old"', cuts=[1000, 0, 0, 0])
    with pytest.raises(InputError):
        remote.fetch(server.url("x"))
    (left,) = tmp_path.joinpath("cache").iterdir()
    os.utime(left, (0, 0))
    server.files["x"] = File(BODY)
    assert remote.fetch(server.url("x"), SHA256).read_bytes() == BODY


def test_two_runs_share_a_cache(server, tmp_path):
    server.files["x"] = File(BODY, pauses=[0.2, 0.2])
    paths = []

    def run():
        paths.append(Remote(tmp_path / "cache", per_second=1000).fetch(server.url("x"), SHA256))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == 1 and len(paths) == 2
    assert paths[0].read_bytes() == BODY
    assert len(list(tmp_path.joinpath("cache").iterdir())) == 2


def test_offline(server, remote, tmp_path):
    server.files["x"] = File(BODY)
    offline = Remote(tmp_path / "cache", offline=True)
    with pytest.raises(InputError, match="/x is not in the cache .* network.offline"):
        offline.fetch(server.url("x"))
    with pytest.raises(InputError, match="network.offline"):
        read(offline, server.url("x"))
    assert not server.requests
    path = remote.fetch(server.url("x"))
    assert offline.fetch(server.url("x")) == path


def test_requests_keep_their_distance(server, tmp_path):
    polite = Remote(tmp_path / "cache", per_second=20)
    for name in "abcd":
        server.files[name] = File(b"x")
    started = time.monotonic()
    for name in "abcd":
        polite.fetch(server.url(name))
    assert time.monotonic() - started >= 0.15


def test_files_of_this_machine(remote, tmp_path):
    path = tmp_path / "a b.fasta"
    path.write_bytes(BODY)
    for url in (path.as_uri(), str(path)):
        assert remote.fetch(url, SHA256) == path
        assert read(remote, url) == BODY
    with pytest.raises(InputError, match="There is no file"):
        remote.fetch(f"{path.as_uri()}x")
    assert not tmp_path.joinpath("cache").exists()


def test_files_from_the_working_folder():
    assert local_path("file://../data/a%20b.tsv") == Path("../data/a b.tsv")
    assert local_path("file://./a.tsv") == Path("a.tsv")


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://bucket/x", "file://host/x"])
def test_other_urls(url):
    with pytest.raises(InputError, match="Use http|path of this machine"):
        local_path(url)


@pytest.mark.parametrize("name", ["..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a%00b", "x" * 500])
def test_hostile_names_stay_in_the_cache(server, remote, tmp_path, name):
    for path in (unquote(name), "", ".."):
        server.files[path] = File(BODY)
    found = remote.fetch(server.url(name))
    assert found.parent == tmp_path / "cache" and len(found.name) < 120
