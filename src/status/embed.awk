# embed.awk -- files given as arguments become the table of status/assets.h, on stdout. ASCII text only: any
# awk, in any locale, must write the same bytes.
BEGIN {
	for (i = 1; i < 128; i++)
		code[sprintf("%c", i)] = i
	type["css"] = "text/css; charset=utf-8"
	type["js"] = "text/javascript; charset=utf-8"
	type["svg"] = "image/svg+xml"
	print "/* Made by src/status/embed.awk. */"
	print "#include \"status/assets.h\""
	print "#pragma GCC diagnostic ignored \"-Woverlength-strings\""
	print "const struct asset assets[] = {"
}

function fail(why) {
	print FILENAME ":" FNR ": " why >"/dev/stderr"
	failed = 1
	exit 1
}

function close_file() {
	if (name != "")
		printf "\t, .size = %d, .etag = \"\\\"%08x%08x\\\"\" },\n", size, a, b
}

function hash(c) {
	a = (a * 31 + c) % 4294967291
	b = (b * 131 + c) % 4294967279
	size++
}

FNR == 1 {
	close_file()
	name = FILENAME
	sub(/.*\//, "", name)
	suffix = name
	sub(/.*\./, "", suffix)
	if (!(suffix in type))
		fail("no content type for ." suffix)
	size = 0
	a = 17
	b = 23
	count++
	printf "{ .name = \"%s\", .content_type = \"%s\", .data =\n", name, type[suffix]
}

{
	line = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		if (!(c in code))
			fail("not ASCII: " $0)
		hash(code[c])
		line = line (c == "\\" || c == "\"" ? "\\" c : c == "\t" ? "\\t" : c)
	}
	hash(10)
	print "\t\"" line "\\n\""
}

END {
	if (failed)
		exit 1
	close_file()
	print "};"
	printf "const size_t assets_count = %d;\n", count
}
