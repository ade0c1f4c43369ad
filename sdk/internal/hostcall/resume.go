package hostcall

// goesOn is the context whose response goes on by itself when the running callback returns, 0 for none.
//
// A route call's callback runs where the response is held and the SDK's answer lets it go. A resume in it would have
// Envoy pass the held headers on twice: once for the resume, once for the answer. So it is caught.
var goesOn uint32

// SetGoesOn says that the response of context id goes on by itself, until it is called with 0.
func SetGoesOn(id uint32) { goesOn = id }

// GoesOn says whether a resume of context id's response is needless.
func GoesOn(id uint32) bool { return goesOn != 0 && goesOn == id }
