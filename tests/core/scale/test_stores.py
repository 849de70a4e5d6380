"""Archives in stores: from and to a local S3 server that throttles, drops connections, and refuses."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from scaling import outputs, recorded
from store_server import Unreliable, put

from unpaired.core.errors import ConfigError, MediaError, MissingDependency, MissingFile, OutputError, ResourceError
from unpaired.core.scale import TranslatorSpec, convert_archive
from unpaired.core.stores import access, local_path
from unpaired.core.stores.transfer import listed

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("s3fs")
pytest.importorskip("moto.server")


@pytest.fixture
def bucket(own_store: None, request: pytest.FixtureRequest, archive: Path) -> str:
    """A bucket of this test, with the archive in it."""
    name = f"b{abs(hash(request.node.nodeid))}"
    put(f"/{name}", b"")
    for file in archive.rglob("*.png"):
        put(f"/{name}/photos/{file.relative_to(archive).as_posix()}", file.read_bytes())
    return f"s3://{name}"


def brought(address: str, folder: Path) -> dict[str, bytes]:
    """The outputs in a store, by their place."""
    fs = access.filesystem(address)
    fs.invalidate_cache()
    fs.get(address, str(folder), recursive=True)
    return outputs(folder)


@pytest.fixture
def alone(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> dict[str, bytes]:
    spec.load().convert(archive, tmp_path / "alone")
    return outputs(tmp_path / "alone")


@pytest.mark.parametrize("workers", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_from_a_store_into_it_through_faults_and_on_where_it_ended(
    spec: TranslatorSpec,
    bucket: str,
    alone: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int | None,
) -> None:
    monkeypatch.setattr(Unreliable, "faults", True)
    convert = partial(convert_archive, spec, f"{bucket}/photos", f"{bucket}/nights", record=tmp_path / "record")
    report = convert(workers=workers)
    assert not report.failed
    assert sorted(map(access.as_written, report.converted))[0].startswith(f"{bucket}/nights/deep/")
    assert brought(f"{bucket}/nights/", tmp_path / "got") == alone
    assert set(recorded(tmp_path / "record").values()) == {1}
    assert outputs(tmp_path / "record") == {}  # what was sent is not kept here
    assert len(convert().skipped) == len(alone)
    access.filesystem(bucket).rm(f"{bucket}/nights/hill.png")
    assert [path.name for path in convert().converted] == ["hill.png"]


def test_another_machine_goes_on_by_the_record_beside_the_outputs(
    spec: TranslatorSpec, bucket: str, archive: Path, tmp_path: Path
) -> None:
    first = convert_archive(spec, archive, f"{bucket}/nights/", record=tmp_path / "here")
    assert len(first.converted) == 7
    (archive / "hill.png").write_bytes((archive / "wood.png").read_bytes())
    again = convert_archive(spec, archive, f"{bucket}/nights/", record=tmp_path / "there")
    assert [path.name for path in again.converted] == ["hill.png"]
    assert len(again.skipped) == 6
    assert "report.json" in listed(f"{bucket}/nights/.unpaired/")


def test_one_file_and_a_damaged_one(spec: TranslatorSpec, bucket: str, tmp_path: Path) -> None:
    convert_archive(spec, f"{bucket}/photos/hill.png", tmp_path / "hill.png")
    convert_archive(spec, tmp_path / "hill.png", f"{bucket}/out/other.png")
    assert set(listed(f"{bucket}/out")) == {"other.png"}
    put(f"/{bucket[5:]}/photos/hill.png", b"no picture")
    report = convert_archive(spec, f"{bucket}/photos/", tmp_path / "out")
    (failed,) = report.failed
    assert failed.reason.startswith(f"{bucket}/photos/hill.png")
    assert len(outputs(tmp_path / "out")) == 6
    assert not list((tmp_path / "out").rglob("*.part*"))


def test_a_web_server_that_lists_and_gives_no_parts(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    class Whole(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Whole, directory=str(archive.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/in/"
    try:
        assert len(convert_archive(spec, address, tmp_path / "out").converted) == 7
        assert len(convert_archive(spec, address, tmp_path / "out").skipped) == 7
        with pytest.raises(ConfigError, match="files cannot be written there whole or not at all"):
            convert_archive(spec, archive, address)
        with pytest.raises(MissingFile, match="there is nothing at"):
            convert_archive(spec, f"{address}none.png", tmp_path / "out")
    finally:
        server.shutdown()


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ((403, "AccessDenied"), "choose another place, or ask for access"),
        ((507, "XMinioStorageFull"), "the store is full"),
    ],
    ids=["read-only", "full"],
)
def test_a_store_that_takes_nothing_is_told_before_work(
    spec: TranslatorSpec,
    bucket: str,
    archive: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[int, str],
    said: str,
) -> None:
    monkeypatch.setattr(Unreliable, "refused", refused)
    with pytest.raises(OutputError, match=rf"cannot write s3://.*{said}"):
        convert_archive(spec, archive, f"{bucket}/nights")


def test_a_store_that_becomes_full_ends_all_and_keeps_what_is_done(
    spec: TranslatorSpec, bucket: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = access.trying

    def fill(path: str, what: Any, writing: bool = False) -> Any:
        if writing and path.endswith("hill.png"):
            monkeypatch.setattr(Unreliable, "refused", (507, "XMinioStorageFull"))
        return sent(path, what, writing)

    with monkeypatch.context() as patch:
        patch.setattr("unpaired.core.stores.transfer.trying", fill)
        with pytest.raises(OutputError, match="the store is full"):
            convert_archive(spec, archive, f"{bucket}/nights", record=tmp_path / "record")
    monkeypatch.setattr(Unreliable, "refused", None)
    done = len(listed(f"{bucket}/nights/") or {})
    assert 0 < done == sum(recorded(tmp_path / "record").values())
    assert len(convert_archive(spec, archive, f"{bucket}/nights", record=tmp_path / "record").converted) == 7 - done


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        ("s3://no-such-bucket/photos/", MissingFile, "there is nothing at s3://no-such-bucket/photos"),
        ("foo://bucket/photos", ConfigError, "there is no foo://"),
    ],
)
def test_bad_addresses_are_told(
    spec: TranslatorSpec, own_store: None, archive: Path, tmp_path: Path, place: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        convert_archive(spec, place, tmp_path / "out")
    with pytest.raises((OutputError, ConfigError), match=r"cannot write s3://no-such-bucket|there is no foo://"):
        convert_archive(spec, archive, place)
    assert not (tmp_path / "out").exists()


def test_a_store_that_does_not_answer_is_given_up(
    spec: TranslatorSpec, own_store: None, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "PAUSES", ())
    with pytest.raises(ResourceError, match=r"does not answer .* the same command goes on when it does"):
        convert_archive(spec, "http://127.0.0.1:1/photos/", archive)


def test_without_its_package_the_extra_is_named(
    spec: TranslatorSpec, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_filesystems", {})

    def missing(protocol: str) -> Any:
        raise ImportError("No module named 'gcsfs'")

    monkeypatch.setattr("fsspec.filesystem", missing)
    with pytest.raises(MissingDependency, match=r"gs://bucket/nights.* 'unpaired\[remote\]'"):
        convert_archive(spec, archive, "gs://bucket/nights")


def test_without_access_keys_no_other_address_is_asked(
    spec: TranslatorSpec, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr(access, "_filesystems", {})
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(MediaError, match=r"cannot be read: .*credentials"):
        convert_archive(spec, f"{bucket}/photos", tmp_path / "out")
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_names_that_lead_out_of_a_folder_are_left_out(own_store: None) -> None:
    fs = access.filesystem("memory://x")
    for name in ("a.png", "deep/b.png", "../c.png", "deep//d.png", ".hidden/e.png", "deep/../../f.png"):
        fs.store[f"/names/{name}"] = fs.store.get("none") or _file(fs)
    assert set(listed("memory://names/") or {}) == {"a.png", "deep/b.png"}


def _file(fs: Any) -> Any:
    from fsspec.implementations.memory import MemoryFile

    return MemoryFile(fs, "", b"x")


def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    assert local_path((tmp_path / "a b.png").as_uri()) == str(tmp_path / "a b.png")
