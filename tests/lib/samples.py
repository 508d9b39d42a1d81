"""samples.py -- real files from Debian's packages, unpacked into build/samples and never installed."""
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = pathlib.Path(os.environ.get("SAMPLES", ROOT / "build" / "samples"))


def package(name):
    """The folder that holds the files of a Debian package, fetched at first use."""
    target = SAMPLES / name
    if target.is_dir():
        return target
    SAMPLES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SAMPLES) as folder:
        os.chmod(folder, 0o755)
        subprocess.run(["apt-get", "download", "-q", name], cwd=folder, check=True, capture_output=True, timeout=300)
        (deb,) = pathlib.Path(folder).glob("*.deb")
        subprocess.run(["dpkg", "-x", deb, f"{folder}/tree"], check=True, timeout=120)
        try:
            os.rename(f"{folder}/tree", target)
        except OSError:
            # Another process was faster.
            shutil.rmtree(f"{folder}/tree")
    return target


def forensics(path):
    return package("forensics-samples-files") / "usr/share/forensics-samples/original-files" / path


def manual_pdf():
    """A PDF of 30 pages or so, as TeX makes them."""
    return package("libtasn1-doc") / "usr/share/doc/libtasn1-doc/libtasn1.pdf"


def exif_samples():
    return package("golang-github-rwcarlsen-goexif-dev") / "usr/share/gocode/src/github.com/rwcarlsen/goexif"


def ieee(name):
    return package("ieee-data") / "usr/share/ieee-data" / name


def write_pdf(path, lines):
    """A one-page PDF with these lines of text, byte for byte by the specification."""
    escaped = [s.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for s in lines]
    stream = "BT /F1 11 Tf 60 780 Td 16 TL " + " ".join(f"({s}) Tj T*" for s in escaped) + " ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    pathlib.Path(path).write_bytes(out)
