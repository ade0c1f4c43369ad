package envoyconfig

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// nearest is the field that a misspelt one probably means, "" for none.
func nearest(key string, fields protoreflect.FieldDescriptors) string {
	if len(key) > 64 {
		return ""
	}
	best, name := 3, ""
	for i := range fields.Len() {
		candidate := string(fields.Get(i).Name())
		if distance := editDistance(strings.ToLower(key), candidate); distance < best && distance <= len(candidate)/2 {
			best, name = distance, candidate
		}
	}
	return name
}

// editDistance counts the insertions, deletions and replacements that make one of the other (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
