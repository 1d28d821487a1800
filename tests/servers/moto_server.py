"""Run the server of moto, which stands for S3 and IAM, with checks of signatures."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from servers.processes import running
from servers.programs import require_module

REGION = "us-east-1"


class MotoServer(NamedTuple):
    """A server whose user may do everything in S3. url: without a slash at its end."""

    url: str
    access_key: str
    secret_key: str


@contextlib.contextmanager
def moto_server() -> Iterator[MotoServer]:
    """Run the server. Its first three actions are not checked: they make a user, allow him everything, and make his key."""
    require_module("moto", "moto[s3]")
    require_module("flask_cors", "flask-cors")

    def prepare(directory: Path, ports: Sequence[int]) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(ports[0])]

    # "http" would ask for the list of buckets, which is one of the three
    with running("moto", prepare, "tcp", environment={"INITIAL_NO_AUTH_ACTION_COUNT": "3"}) as child:
        url = f"http://127.0.0.1:{child.ports[0]}"
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        user = {"UserName": "user"}
        act(url, {"Action": "CreateUser", **user})
        act(url, {"Action": "PutUserPolicy", "PolicyName": "all", "PolicyDocument": json.dumps(everything), **user})
        answer = act(url, {"Action": "CreateAccessKey", **user})
        keys = [re.findall(f"<{name}>(.*?)</{name}>", answer)[0] for name in ("AccessKeyId", "SecretAccessKey")]
        yield MotoServer(url, *keys)


def act(url: str, form: Mapping[str, str]) -> str:
    """Send an action to IAM, and return the answer. The service stands in the scope of a signature, which is not checked."""
    scope = f"nobody/20270115/{REGION}/iam/aws4_request"
    fields = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"}
    with urlopen(Request(url, urlencode({**form, "Version": "2010-05-08"}).encode(), fields), timeout=30) as answer:  # noqa: S310
        return str(answer.read().decode())
