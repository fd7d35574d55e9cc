package v2store

import "strconv"

// Error is an error as both APIs send it. Clients match on Code and Cause.
type Error struct {
	Code Code
	// Cause says which key, comparison or field it was; it may be empty.
	Cause string
	// Index is the store's index when the error arose; 0 if the request was
	// refused before it met the store.
	Index uint64
}

// Error returns message and cause.
func (e *Error) Error() string { return e.Code.String() + " (" + e.Cause + ")" }

// Code is an error code of the APIs. 1xx: the command failed; 2xx: the request
// is malformed; 3xx: consensus failed; 4xx: a wait failed.
type Code int

// The codes in use.
const (
	KeyNotFound       Code = 100
	CompareFailed     Code = 101
	NotFile           Code = 102
	NotDirectory      Code = 104
	KeyExists         Code = 105
	RootReadOnly      Code = 107
	DirectoryNotEmpty Code = 108
	ValueRequired     Code = 200 // v1 only
	PrevValueRequired Code = 201
	TTLNotNumber      Code = 202
	IndexNotNumber    Code = 203
	InvalidField      Code = 209
	InvalidForm       Code = 210
	RefreshValue      Code = 211
	RefreshTTL        Code = 212
	RaftInternal      Code = 300
	DuringElection    Code = 301
	HistoryCleared    Code = 401
	ClientInternal    Code = 500 // v1 only
)

// String returns the message that travels with the code.
func (c Code) String() string {
	switch c {
	case KeyNotFound:
		return "Key not found"
	case CompareFailed:
		return "Compare failed"
	case NotFile:
		return "Not a file"
	case NotDirectory:
		return "Not a directory"
	case KeyExists:
		return "Key already exists"
	case RootReadOnly:
		return "Root is read only"
	case DirectoryNotEmpty:
		return "Directory not empty"
	case ValueRequired:
		return "Value is Required in POST form"
	case PrevValueRequired:
		return "PrevValue is Required in POST form"
	case TTLNotNumber:
		return "The given TTL in POST form is not a number"
	case IndexNotNumber:
		return "The given index in POST form is not a number"
	case InvalidField:
		return "Invalid field"
	case InvalidForm:
		return "Invalid POST form"
	case RefreshValue:
		return "Value provided on refresh"
	case RefreshTTL:
		return "A TTL must be provided on refresh"
	case RaftInternal:
		return "Raft Internal Error"
	case DuringElection:
		return "During Leader Election"
	case HistoryCleared:
		return "The event in requested index is outdated and cleared"
	case ClientInternal:
		return "Client Internal Error"
	}
	return "error " + strconv.Itoa(int(c))
}

// Status returns the HTTP status that the code travels with.
func (c Code) Status() int {
	switch {
	case c == KeyNotFound:
		return 404
	case c == NotFile, c == DirectoryNotEmpty:
		return 403
	case c == CompareFailed, c == KeyExists:
		return 412
	case c/100 == 3:
		return 500
	}
	return 400
}
