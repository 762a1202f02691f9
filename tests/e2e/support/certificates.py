"""Certificates of a test's own authority, made by the openssl command."""

import ssl
import subprocess
from dataclasses import dataclass


NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"]


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
        openssl("req", "-x509", "-days", 2, *NEW_KEY, self.key, "-out", self.file, "-subj", f"/CN={name}")

    def issue(self, name="localhost", alternatives=("DNS:localhost", "IP:127.0.0.1")):
        """For servers by these names, and for clients."""
        self.issued += 1
        base = self.directory / str(self.issued)
        made = Certificate(f"{base}.crt", f"{base}.key")
        request = f"{base}.csr"
        subject = f"/O=Sockhook/CN={name}"
        openssl("req", "-utf8", *NEW_KEY, made.key, "-out", request, "-subj", subject)
        extensions = self.directory / "extensions"
        names = f"subjectAltName={','.join(alternatives)}\n" if alternatives else ""
        extensions.write_text(f"basicConstraints=CA:FALSE\n{names}")
        signer = ["-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-extfile", extensions]
        openssl("x509", "-req", "-days", 2, *signer, "-in", request, "-out", made.certificate)
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
