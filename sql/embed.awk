# embed.awk -- turns "SHA256  PATH" lines on stdin into a C table of the files' contents (db/migrate.h).
# Contents are written as bytes: no string literal is too long, no character needs escaping.
BEGIN {
	for (i = 0; i < 256; i++)
		code[sprintf("%c", i)] = i
	print "/* Generated from sql/ by sql/embed.awk. */"
	print "#include \"db/migrate.h\"\n"
	n = 0
}
{
	sha[n] = $1
	path[n] = $2
	if (path[n] ~ /\/migrations\//)
		kind[n] = "SQL_MIGRATION"
	else if (path[n] ~ /\/functions\//)
		kind[n] = "SQL_FUNCTION"
	else if (path[n] ~ /\/views\//)
		kind[n] = "SQL_VIEW"
	else
		kind[n] = "SQL_GRANTS"
	printf "static const unsigned char text_%d[] = {", n
	while ((status = (getline line < path[n])) > 0) {
		printf "\n\t"
		m = length(line)
		for (i = 1; i <= m; i++)
			printf "%d,", code[substr(line, i, 1)]
		printf "10,"
	}
	if (status < 0) {
		print "embed.awk: cannot read " path[n] > "/dev/stderr"
		exit 1
	}
	close(path[n])
	print "\n\t0 };"
	n++
}
END {
	print "\nconst struct sql_file sql_files[] = {"
	for (i = 0; i < n; i++) {
		name = path[i]
		sub(/.*\//, "", name)
		printf "\t{ %s, \"%s\", (const char *)text_%d, \"%s\" },\n", kind[i], name, i, sha[i]
	}
	print "};"
	printf "const size_t sql_files_count = %d;\n", n
}
