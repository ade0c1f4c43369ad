package wrapper

// values keeps a few values by key. A list is searched faster than a map of that size, and is used again.
type values []keyValue

type keyValue struct {
	key   string
	value any
}

func (v values) get(key string) any {
	for i := range v {
		if v[i].key == key {
			return v[i].value
		}
	}
	return nil
}

func (v *values) set(key string, value any) {
	for i := range *v {
		if (*v)[i].key == key {
			(*v)[i].value = value
			return
		}
	}
	*v = append(*v, keyValue{key, value})
}
