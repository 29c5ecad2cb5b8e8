"""Uploads as clients write them."""

import base64

import pytest

from sandbox.web.upload import read_uploads

TYPE = "multipart/form-data; boundary=XX"
BODY = """
--XX
Content-Disposition: form-data; name="file_metadata_01"
Content-Type: application/json

{"Note": "plan", "FileName": "plan.txt"}

--XX
Content-Disposition: form-data; name="file_content_01"
Content-Type: text/plain
Content-Transfer-Encoding: base64

%s

--XX--
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_do_not_matter(ending):
    """python-quickbooks writes bare line feeds."""
    body = BODY % base64.b64encode(b"12 feet").decode()

    upload = read_uploads(body.replace("\n", ending).encode(), TYPE)[0]

    assert (upload.content, upload.content_type) == (b"12 feet", "text/plain")
    assert upload.metadata["Note"] == "plan"
    assert upload.file_name == "plan.txt"


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        pytest.param(b"", "application/json", "2010", id="no-boundary"),
        pytest.param(b"--XX--", TYPE, "2020", id="no-file"),
        pytest.param(BODY.encode() % b"&&&", TYPE, "2010", id="not-base64"),
        pytest.param(BODY.replace("{", "").encode() % b"aaaa", TYPE, "2010", id="metadata-no-json"),
    ],
)
def test_what_is_no_upload_is_refused(refused, body, kind, code):
    """A Fault each."""
    with refused(code):
        read_uploads(body, kind)
