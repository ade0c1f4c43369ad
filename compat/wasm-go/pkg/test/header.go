package test

import "strings"

// HasHeader says whether there is a header of that name, in whatever case.
func HasHeader(headers [][2]string, headerName string) bool {
	_, ok := GetHeaderValue(headers, headerName)
	return ok
}

// GetHeaderValue returns the value of the first header of that name, in whatever case.
func GetHeaderValue(headers [][2]string, headerName string) (string, bool) {
	for _, h := range headers {
		if strings.EqualFold(h[0], headerName) {
			return h[1], true
		}
	}
	return "", false
}

// HasHeaderWithValue says whether the first header of that name has that value, both in whatever case.
func HasHeaderWithValue(headers [][2]string, headerName, expectedValue string) bool {
	v, ok := GetHeaderValue(headers, headerName)
	return ok && strings.EqualFold(v, expectedValue)
}
