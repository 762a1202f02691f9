"""Certificates of a test's own authority, made by the openssl command."""

import ssl
import subprocess
from dataclasses import dataclass


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@dataclass
class Certificate:
    """Two PEM files."""

    certificate: str
    key: str

    def settings(self, **more):
        """As a config names it."""
        return {"certificate": self.certificate, "key": self.key, **more}


class Authority:
    """Signs whatever a test asks for; `file` is its own certificate."""

    def __init__(self, directory, name="Test Authority"):
        self.directory = directory
        self.directory.mkdir(exist_ok=True)
        self.file = str(directory / "ca.crt")
        self.key = str(directory / "ca.key")
        self.issued = 0
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.curve = curve
        openssl("req", "-x509", *curve, "-keyout", self.key, "-out", self.file, "-days", 2, "-subj", f"/CN={name}")

    def issue(self, name="localhost", alternatives=("DNS:localhost", "IP:127.0.0.1")):
        """For servers by these names, and for clients."""
        self.issued += 1
        base = self.directory / str(self.issued)
        made = Certificate(f"{base}.crt", f"{base}.key")
        request = f"{base}.csr"
        extensions = [f"subjectAltName={','.join(alternatives)}"] if alternatives else []
        openssl("req", *self.curve, "-keyout", made.key, "-out", request, "-subj", f"/O=Sockhook/CN={name}")
        (self.directory / "extensions").write_text("\n".join(["basicConstraints=CA:FALSE", *extensions]))
        openssl(
            "x509", "-req", "-in", request, "-out", made.certificate, "-days", 2, "-CA", self.file,
            "-CAkey", self.key, "-CAcreateserial", "-extfile", self.directory / "extensions",
        )
        return made

    def client(self, own=None):
        """The context of a client that trusts this authority and shows `own`, if given."""
        context = ssl.create_default_context(cafile=self.file)
        if own:
            context.load_cert_chain(own.certificate, own.key)
        return context

    def server(self, own, wants_certificates=False):
        """The context of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.certificate, own.key)
        if wants_certificates:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context
