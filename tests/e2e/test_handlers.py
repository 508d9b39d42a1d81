"""test_handlers.py -- each shipped handler command on real files, as the worker would run it."""
import json
import pathlib
import shutil
import subprocess
import zlib

import pytest

import samples

pytestmark = pytest.mark.unsanitized("no process of the binary takes part")

ROOT = pathlib.Path(__file__).resolve().parents[2]
HANDLERS = ROOT / "deploy" / "handlers"


class Done:
    def __init__(self, folder, process):
        self.code, self.said = process.returncode, process.stdout.decode(errors="replace")
        self.outputs = {p.name: p for p in sorted((folder / "out").iterdir())}
        result = folder / "result.json"
        self.result = json.loads(result.read_text()) if result.exists() else None


@pytest.fixture
def run(tmp_path):
    count = iter(range(1000))

    def run_handler(kind, source, params=None):
        folder = tmp_path / f"job-{next(count)}"
        (folder / "out").mkdir(parents=True)
        if isinstance(source, bytes):
            (folder / "input").write_bytes(source)
        else:
            shutil.copyfile(source, folder / "input")
        (folder / "params.json").write_text(json.dumps(params or {}))
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
        }
        process = subprocess.run(
            [HANDLERS / kind], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60, check=False,
        )
        return Done(folder, process)

    return run_handler


def refused(done, words):
    """Exit 65, one line that says why, nothing stored."""
    assert done.code == 65, done.said
    assert words in done.said
    assert len(done.said.strip().splitlines()) == 1, done.said
    return True


def truncated(path, share=0.4):
    data = pathlib.Path(path).read_bytes()
    return data[: int(len(data) * share)]


# PDF

PDF_KINDS = ["extract-text", "preview", "validate-pdf"]


@pytest.fixture
def invoice(tmp_path):
    path = tmp_path / "invoice.pdf"
    samples.write_pdf(path, [
        "Muster & Sons Ltd", "INVOICE", "Invoice number: RE-2026/0042", "Date: 21.11.2026", "",
        "Two widgets          100.00", "Subtotal             100.00", "VAT                   19.00",
        "Total: EUR 119.00",
    ])
    return path


def test_text_of_a_manual(run):
    done = run("extract-text", samples.manual_pdf())
    assert done.code == 0, done.said
    text = done.outputs["text.txt"].read_text()
    assert "ASN.1" in text and "libtasn1" in text
    assert done.result["pages"] > 20
    assert done.result["characters"] == len(text)


def test_text_of_another_maker(run):
    done = run("extract-text", samples.forensics("text1/a-text.pdf"))
    assert done.code == 0, done.said
    assert done.outputs["text.txt"].stat().st_size > 100


def test_layout_keeps_columns(run, invoice):
    plain = run("extract-text", invoice)
    wide = run("extract-text", invoice, {"layout": True})
    assert plain.code == wide.code == 0
    assert any(s.startswith("Two widgets   ") and s.endswith("100.00")
               for s in wide.outputs["text.txt"].read_text().splitlines())


def test_preview_is_800_pixels_high(run):
    done = run("preview", samples.manual_pdf())
    assert done.code == 0, done.said
    png = done.outputs["preview.png"].read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    assert max(width, height) == 800


def test_preview_of_another_size(run, invoice):
    png = run("preview", invoice, {"size": 200}).outputs["preview.png"].read_bytes()
    assert int.from_bytes(png[20:24], "big") == 200
    assert refused(run("preview", invoice, {"size": 5}), "not between 16 and 4096")
    assert refused(run("preview", invoice, {"size": 99999999999}), "not between 16 and 4096")


def test_invoice_is_recognised(run, invoice):
    done = run("validate-pdf", invoice)
    assert done.code == 0, done.said
    assert done.result == {
        "pages": 1, "pdf_version": "1.4", "damaged": False, "invoice": True, "number": "RE-2026/0042",
        "date": "21.11.2026", "total": "119.00",
    }
    assert not done.outputs


def test_german_invoice_is_recognised(run, tmp_path):
    path = tmp_path / "rechnung.pdf"
    samples.write_pdf(path, ["Rechnung", "Rechnungsnummer: 2026-118", "Rechnungsdatum: 01.10.2026",
                             "Zwischensumme 1.000,00", "Gesamtbetrag: 1.190,00 EUR"])
    result = run("validate-pdf", path).result
    assert (result["invoice"], result["number"], result["date"], result["total"]) == (
        True, "2026-118", "01.10.2026", "1.190,00")


def test_manual_is_no_invoice(run):
    done = run("validate-pdf", samples.manual_pdf())
    assert done.code == 0, done.said
    assert done.result["invoice"] is False
    assert done.result["damaged"] is False


def test_hostile_text_stays_json(run, tmp_path):
    path = tmp_path / "quotes.pdf"
    samples.write_pdf(path, ['Invoice number: A1"\\,}', "Date: 2026-01-02", 'Total: 5.00 "}'])
    assert run("validate-pdf", path).result["number"] == "A1"


@pytest.mark.parametrize("kind", PDF_KINDS)
@pytest.mark.parametrize("name", ["a-text-pass-A5d.pdf", "a-text-pass-peanuts.pdf"])
def test_encrypted_pdf_is_refused(run, kind, name):
    assert refused(run(kind, samples.forensics(f"text1/{name}")), "encrypted and needs a password")


@pytest.mark.parametrize("kind", PDF_KINDS)
@pytest.mark.parametrize("content", [b"", b"just a text, named .pdf\n", b"\x89PNG\r\n\x1a\n" + bytes(1000)])
def test_what_is_no_pdf_is_refused(run, kind, content):
    assert refused(run(kind, content), "not a PDF")


@pytest.mark.parametrize("kind", PDF_KINDS)
def test_headless_pdf_is_refused(run, kind):
    assert refused(run(kind, b"%PDF-1.5\n" + bytes(range(256)) * 20), f"{kind}: the ")


def test_truncated_pdf_is_refused_or_said_to_be_damaged(run):
    done = run("validate-pdf", truncated(samples.manual_pdf()))
    if done.code == 0:
        assert done.result["damaged"] is True
    else:
        assert refused(done, "validate-pdf: the PDF")


# Images


def webp_size(data):
    """Of the lossy form, which is what thumbnails are."""
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    if data[12:16] == b"VP8X":
        return (int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    return (int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF)


def test_thumbnails_of_a_photo(run):
    done = run("thumbnail", samples.forensics("pic1/IMG_20200827_231612.jpg"))
    assert done.code == 0, done.said
    assert list(done.outputs) == ["thumb-1024.webp", "thumb-128.webp", "thumb-512.webp"]
    for size in (128, 512, 1024):
        assert max(webp_size(done.outputs[f"thumb-{size}.webp"].read_bytes())) == size
        # Nobody shall learn from a thumbnail where and by whom a photo was taken.
        (tags,) = json.loads(subprocess.check_output(["exiftool", "-json", done.outputs[f"thumb-{size}.webp"]]))
        assert not [t for t in tags if t.startswith(("GPS", "Make", "Model", "Date", "Software"))]
    assert sorted([done.result["width"], done.result["height"]]) == [3000, 4000]


def test_thumbnails_are_upright(run, tmp_path):
    photo = tmp_path / "turned.jpg"
    shutil.copyfile(samples.forensics("pic1/IMG_20200827_231612.jpg"), photo)
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-n", "-Orientation=6", photo], check=True)
    turned = webp_size(run("thumbnail", photo, {"sizes": [128]}).outputs["thumb-128.webp"].read_bytes())
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-n", "-Orientation=1", photo], check=True)
    straight = webp_size(run("thumbnail", photo, {"sizes": [128]}).outputs["thumb-128.webp"].read_bytes())
    assert turned == straight[::-1]


def test_thumbnail_formats_and_limits(run):
    photo = samples.forensics("pic1/debian.png")
    done = run("thumbnail", photo, {"sizes": [64], "format": "jpg"})
    assert done.code == 0, done.said
    assert done.outputs["thumb-64.jpg"].read_bytes().startswith(b"\xff\xd8\xff")
    assert refused(run("thumbnail", photo, {"format": "exe"}), "none of webp, jpg, png")
    assert refused(run("thumbnail", photo, {"sizes": [8]}), "not between 16 and 4096")
    assert refused(run("thumbnail", photo, {"sizes": [32] * 11}), "10 at most")
    assert refused(run("thumbnail", photo, {"sizes": ["../x"]}), "not a whole number")


def test_small_image_is_not_enlarged(run):
    done = run("thumbnail", samples.forensics("pic1/empty.jpg"), {"sizes": [1024]})
    assert done.code == 0, done.said
    assert webp_size(done.outputs["thumb-1024.webp"].read_bytes()) == (161, 1)


@pytest.mark.parametrize("content", [b"", b"no image\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_image_is_refused(run, content):
    assert refused(run("thumbnail", content), "not an image that can be read")


def test_truncated_photo_is_refused(run):
    photo = samples.forensics("pic1/IMG_20200827_231612.jpg")
    assert refused(run("thumbnail", truncated(photo)), "cannot be read to its end")


def test_bomb_is_refused_by_its_pixels(run):
    header = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR"
    header += (30000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    header += zlib.crc32(header[12:]).to_bytes(4, "big")
    rows = zlib.compress(bytes(1000))
    body = len(rows).to_bytes(4, "big") + b"IDAT" + rows + zlib.crc32(b"IDAT" + rows).to_bytes(4, "big")
    assert refused(run("thumbnail", header + body), "more than 2^28")


# EXIF


def test_exif_of_a_photo(run):
    done = run("exif", samples.forensics("pic1/IMG_20200827_231612.jpg"))
    assert done.code == 0, done.said
    tags = json.loads(done.outputs["exif.json"].read_text())
    assert tags["Model"] == "Mi A3" and "GPSLatitude" in tags
    assert not {"SourceFile", "Directory", "FileName", "FileModifyDate"} & set(tags)


def test_exif_of_a_picture_without_any(run):
    done = run("exif", samples.forensics("pic1/debian.png"))
    assert done.code == 0, done.said
    assert json.loads(done.outputs["exif.json"].read_text())["FileType"] == "PNG"


@pytest.mark.parametrize("name", ["huge_tag_exif.jpg", "infinite_loop_exif.jpg", "max_uint32_exif.jpg"])
def test_corrupt_exif_ends_well(run, name):
    done = run("exif", samples.exif_samples() / "exif" / "corrupt" / name)
    assert done.code in (0, 65), done.said
    if done.code == 0:
        json.loads(done.outputs["exif.json"].read_text())


@pytest.mark.parametrize("content,words", [
    (b"", "the file is empty"),
    (b"\x00\x01\x02" * 100, "not a file whose metadata can be read"),
    (b"<<<>>> nothing known\n" * 10, None),
])
def test_what_has_no_metadata(run, content, words):
    done = run("exif", content)
    if words:
        assert refused(done, words)
    else:
        assert done.code in (0, 65)


# CSV


def test_csv_of_the_ieee(run):
    done = run("validate-csv", samples.ieee("oui.csv"))
    assert done.code == 0, done.said
    assert done.result["valid"] is True and done.result["columns"] == 4 and done.result["rows"] > 20000
    report = json.loads(done.outputs["report.json"].read_text())
    assert report["header"][0] == "Registry" and report["delimiter"] == ","


def test_bad_rows_are_listed_by_line(run):
    content = b'a;b;c\n1;2;3\n4;5\n"x\ny";8;9\n10;11;12;13\n'
    done = run("validate-csv", content)
    assert done.code == 0, done.said
    assert done.result["valid"] is False and done.result["bad_rows"] == 2
    report = json.loads(done.outputs["report.json"].read_text())
    assert report["bad"] == [{"line": 3, "columns": 2}, {"line": 6, "columns": 4}]


def test_strict_refuses_bad_rows(run):
    assert refused(run("validate-csv", b"a,b\n1,2\n3\n", {"strict": True}), "the first at line 3")
    assert run("validate-csv", b"a,b\n1,2\n", {"strict": True}).code == 0


@pytest.mark.parametrize("content,delimiter,columns", [
    (b"a,b\n1,2\n", ",", 2),
    (b"a;b;c\n1,5;2;3\n2,5;3;4\n", ";", 3),
    (b"a\tb\n1\t2\n", "\t", 2),
    (b"one\n1\n2\n", ",", 1),
    ("\ufeffname,größe\nä,1\n".encode(), ",", 2),
    ("name,größe\nä,1\n".encode("cp1252"), ",", 2),
    ("name,size\nä,1\n".encode("utf-16"), ",", 2),
])
def test_csv_dialects(run, content, delimiter, columns):
    done = run("validate-csv", content)
    assert done.code == 0, done.said
    assert (done.result["delimiter"], done.result["columns"], done.result["valid"]) == (delimiter, columns, True)


@pytest.mark.parametrize("content,words", [
    (b"", "the file is empty"),
    (b"a,b\n\x00\x01,2\n", "binary"),
    (b"%PDF-1.4\n", "of another type"),
    (b'a,b\n"never closed,1\n', "not CSV"),
    (b"\n\n\n", "no row"),
])
def test_what_is_no_csv_is_refused(run, content, words):
    assert refused(run("validate-csv", content), words)


def test_truncated_csv_says_where(run):
    data = truncated(samples.ieee("oui.csv"), 0.5).rsplit(b"\n", 1)[0]
    done = run("validate-csv", data + b"\nMA-L,0\n")
    assert done.code == 0 and done.result["bad_rows"] == 1


# The contract's examples


@pytest.mark.parametrize("language", ["sh", "python", "c"])
def test_examples_of_the_contract_page(run, tmp_path, language):
    """What the page shows is what runs."""
    page = (HANDLERS / "README.md").read_text()
    code = page.split(f"```{language}\n", 1)[1].split("```", 1)[0]
    handler = tmp_path / "handler"
    if language == "c":
        (tmp_path / "handler.c").write_text(code)
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-o", handler, tmp_path / "handler.c"], check=True)
    else:
        handler.write_text(code)
        handler.chmod(0o755)
    done = run(handler, b"one\ntwo\nthree\n")
    assert done.code == 0, done.said
    assert done.result == {"lines": 3}
    assert done.outputs["lines.txt"].read_text() == "3\n"
    assert run(handler, b"").code == 65
