# text2pdf.awk -- a one-page PDF from plain text: "# " and "## " are headings, "---" a rule, a line of
# "|" fields a row of columns whose numbers stand right. Run with LC_ALL=C: offsets are in bytes.
# ASCII only.

function esc(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/\(/, "\\(", s)
	gsub(/\)/, "\\)", s)
	return s
}

function put(font, size, x, s) {
	if (s != "")
		page = page sprintf("BT /%s %g Tf %g %g Td (%s) Tj ET\n", font, size, x, y, esc(s))
}

# In Courier every character is 0.6 of the size wide.
function put_right(x, s) {
	put("F3", 10, x - length(s) * 6, s)
}

function row(line, n, f) {
	n = split(line, f, "|")
	put("F1", 10, 56, f[2])
	if (n >= 3) put_right(340, f[3])
	if (n >= 4) {
		sub(/^ /, "", f[4])
		put_right(445, f[4])
	}
	if (n >= 5) put_right(539, f[5])
}

function object(text) {
	at[++objects] = length(pdf)
	pdf = pdf objects " 0 obj\n" text "\nendobj\n"
}

BEGIN {
	y = 780
	pdf = "%PDF-1.4\n"
}

/^# / { y -= 8; put("F2", 24, 56, substr($0, 3)); y -= 34; next }
/^## / { put("F2", 12, 56, substr($0, 4)); y -= 17; next }
/^---$/ { page = page sprintf("0.6 w 56 %g m 539 %g l S\n", y + 4, y + 4); y -= 12; next }
/^\|/ { row($0); y -= 16; next }
{ put("F1", 10, 56, $0); y -= 15 }

END {
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << " \
		"/F1 5 0 R /F2 6 0 R /F3 7 0 R >> >> >>")
	object("<< /Length " length(page) " >>\nstream\n" page "endstream")
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>")
	object("<< /Title (" esc(title) ") /Producer (millrace demo) >>")
	xref = length(pdf)
	printf "%s", pdf
	printf "xref\n0 %d\n0000000000 65535 f \n", objects + 1
	for (i = 1; i <= objects; i++)
		printf "%010d 00000 n \n", at[i]
	printf "trailer\n<< /Size %d /Root 1 0 R /Info 8 0 R >>\nstartxref\n%d\n%%%%EOF\n", objects + 1, xref
}
