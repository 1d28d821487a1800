"""Certificates for tests, made anew by trustme: a valid one, and others that a client must refuse."""

from __future__ import annotations

import datetime
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import trustme

# Every name and address that the test servers have.
NAMES = ("localhost", "127.0.0.1", "::1")
# The identities of `Certificates` that a client must refuse; servers have a TLS port for each.
REFUSED = ("wrong_host", "expired", "unknown_ca")
# What servers offer in TLS unless a test says it; the fixture `protocol` sets it.
DEFAULT_ALPN: tuple[str, ...] = ()
KEY_PASSWORD = "open sesame"


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key, as PEM files."""

    cert_file: Path
    key_file: Path

    def server_context(self, *, client_ca: Path | None = None, alpn: tuple[str, ...] | None = None) -> ssl.SSLContext:
        """Return a server's context; with `client_ca` it demands a client certificate of that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        if offered := DEFAULT_ALPN if alpn is None else alpn:
            context.set_alpn_protocols(offered)
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        return context


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates and keys for tests of TLS, in one directory."""

    directory: Path
    # The authority that clients should trust.
    ca_file: Path
    # For `NAMES`.
    right: Identity
    # For `elsewhere.example` only.
    wrong_host: Identity
    # For `NAMES`, expired in 2001.
    expired: Identity
    # For `NAMES`, issued by an authority that is not in `ca_file`.
    unknown_ca: Identity
    # Its common name is `localhost`, and it has no subjectAltName.
    common_name_only: Identity
    # The same with a subjectAltName that holds an e-mail address alone.
    common_name_and_email: Identity
    # For a client, in two files; the key of `client_encrypted` wants `KEY_PASSWORD`.
    client: Identity
    client_encrypted: Identity
    # The client's key and certificate in one file.
    client_single_file: Path

    def server_context(self, *, ask_client: bool = False, alpn: tuple[str, ...] | None = None) -> ssl.SSLContext:
        """Return the context of a server with the right certificate; `ask_client` demands the client's."""
        return self.right.server_context(client_ca=self.ca_file if ask_client else None, alpn=alpn)

    def client_context(self) -> ssl.SSLContext:
        """Return a client's context that trusts the authority alone."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def ca_directory(self) -> Path:
        """Return a directory with the authority's certificate, named by its hash, as OpenSSL's CApath requires.

        Raises:
            FileNotFoundError: the program openssl (Debian package openssl) is not installed.
        """
        directory = self.directory / "authorities"
        if not directory.exists():
            directory.mkdir()
            shutil.copy(self.ca_file, directory)
            subprocess.run(["openssl", "rehash", str(directory)], check=True, capture_output=True)
        return directory


def make_certificates(directory: Path) -> Certificates:
    """Make all certificates, as files in `directory`; takes some hundredths of a second."""
    known, unknown = trustme.CA(), trustme.CA()
    ca_file = directory / "ca.pem"
    known.cert_pem.write_to_path(str(ca_file))
    long_ago = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    client = known.issue_cert("client@hookline.example", common_name="the client")
    return Certificates(
        directory=directory,
        ca_file=ca_file,
        right=_write(directory, "right", known.issue_cert(*NAMES)),
        wrong_host=_write(directory, "wrong_host", known.issue_cert("elsewhere.example")),
        expired=_write(
            directory,
            "expired",
            known.issue_cert(*NAMES, not_before=long_ago, not_after=long_ago + datetime.timedelta(days=366)),
        ),
        unknown_ca=_write(directory, "unknown_ca", unknown.issue_cert(*NAMES)),
        common_name_only=_write_common_name(directory, "common_name_only", known),
        common_name_and_email=_write_common_name(directory, "common_name_and_email", known, email="root@localhost"),
        client=_write(directory, "client", client),
        client_encrypted=_write(directory, "client_encrypted", client, encrypt=True),
        client_single_file=_write_single(directory / "client_single.pem", client),
    )


def _write(directory: Path, name: str, leaf: trustme.LeafCert, *, encrypt: bool = False) -> Identity:
    identity = Identity(directory / f"{name}.cert.pem", directory / f"{name}.key.pem")
    identity.cert_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key = leaf.private_key_pem.bytes()
    identity.key_file.write_bytes(_encrypt(key) if encrypt else key)
    return identity


def _write_common_name(directory: Path, name: str, authority: trustme.CA, *, email: str | None = None) -> Identity:
    """Write a certificate that names `localhost` in its subject only; trustme does not make such certificates."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    issuer_key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    now = datetime.datetime.now(datetime.UTC)
    issuer_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        # Python 3.13 verifies strictly by RFC 5280, which requires this extension (section 4.2.1.1).
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
    )
    if email is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    leaf = builder.sign(issuer_key, hashes.SHA256())
    identity = Identity(directory / f"{name}.cert.pem", directory / f"{name}.key.pem")
    identity.cert_file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    identity.key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return identity


def _write_single(path: Path, leaf: trustme.LeafCert) -> Path:
    leaf.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def _encrypt(key: bytes) -> bytes:
    # trustme depends on cryptography, so it is installed.
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(KEY_PASSWORD.encode()),
    )
