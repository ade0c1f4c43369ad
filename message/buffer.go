package message

// Buffer is body bytes on their way through a filter chain. A Buffer either owns its bytes or borrows them from whoever
// made it ([Borrow]); a change makes it own what it holds. The zero value is empty. It is not safe for concurrent use.
type Buffer struct {
	data     []byte
	borrowed bool
}

// Borrow returns a Buffer over b without copying it. The buffer never writes to b.
func Borrow(b []byte) Buffer { return Buffer{data: b, borrowed: true} }

// Own returns a Buffer that takes b over.
func Own(b []byte) Buffer { return Buffer{data: b} }

// Len returns the number of bytes.
func (b *Buffer) Len() int { return len(b.data) }

// Bytes returns the contents, valid until the next change. They must not be written to.
func (b *Buffer) Bytes() []byte { return b.data }

// Append adds p, copying it.
func (b *Buffer) Append(p []byte) {
	if len(p) == 0 {
		return
	}
	if b.borrowed {
		b.data = append(make([]byte, 0, len(b.data)+len(p)), b.data...)
		b.borrowed = false
	}
	b.data = append(b.data, p...)
}

// Prepend puts p before the contents, copying it.
func (b *Buffer) Prepend(p []byte) { b.ReplaceFront(0, p) }

// ReplaceFront drops the first n bytes, all if there are fewer, and puts p in their place, copying it.
func (b *Buffer) ReplaceFront(n int, p []byte) {
	n = min(n, len(b.data))
	rest := b.data[n:]
	if len(p) == 0 {
		b.data = rest
		return
	}
	d := make([]byte, 0, len(p)+len(rest))
	b.data = append(append(d, p...), rest...)
	b.borrowed = false
}

// Move appends all of src and empties it. What src owns is taken over without a copy where b is empty.
func (b *Buffer) Move(src *Buffer) {
	if len(b.data) == 0 && !src.borrowed {
		*b = *src
	} else {
		b.Append(src.data)
	}
	*src = Buffer{}
}

// Reset empties the buffer and lets its bytes go.
func (b *Buffer) Reset() { *b = Buffer{} }

// Take moves the contents out of b, borrowed ones as they are: the owner of what was borrowed still owns it.
func (b *Buffer) Take() Buffer {
	t := *b
	*b = Buffer{}
	return t
}
