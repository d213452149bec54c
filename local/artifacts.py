"""Turns the output of `sam build` into zip files in the local bucket, like `sam package`, but in no time."""

import contextlib
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import template
from local.isolation import Clients

# Property that names a path in the build output, by resource type.
_PATHS = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


def package(build: Path, clients: Clients, bucket: str) -> dict[str, Any]:
    """Upload the files that the built template names and return the template with their addresses in the bucket.

    Names follow from the content, so that unchanged files are neither uploaded nor deployed again.
    """
    built = template.load(build / "template.yaml")
    s3 = clients("s3")
    _create(s3, bucket, clients.region)
    present = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
    for resource in built["Resources"].values():
        name = _PATHS.get(resource["Type"])
        path = name and resource["Properties"].get(name)
        if not name or not isinstance(path, str):
            continue
        source = (build / path).resolve()
        content = zipped(source) if source.is_dir() else source.read_bytes()
        key = hashlib.sha256(content).hexdigest() + (".zip" if source.is_dir() else source.suffix)
        if key not in present:
            s3.put_object(Bucket=bucket, Key=key, Body=content)
            present.add(key)
        resource["Properties"][name] = f"s3://{bucket}/{key}"
    return built


def _create(s3: Any, bucket: str, region: str) -> None:
    """Create the bucket if it is missing. The request names its region, except us-east-1, which S3 refuses."""
    elsewhere = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **elsewhere)


def zipped(directory: Path, for_linux: bool = sys.platform.startswith("linux")) -> bytes:
    """Return the directory as a zip file that is the same, byte for byte, for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _files(directory, for_linux):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix())  # dated 1980, so that time does not show
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _files(directory: Path, for_linux: bool) -> Iterator[Path]:
    """Yield files in order; off Linux, packages compiled for Lambda stay out: this environment's own stand in."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    compiled: set[Path] = set()
    if not for_linux:
        compiled = {path.parent for path in files if path.name.endswith("linux-gnu.so")} - {directory}
    for path in files:
        if compiled.isdisjoint(path.parents):
            yield path
