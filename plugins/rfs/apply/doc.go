// Package apply is the secondary's side of a session: it applies the primary's
// changes in the order of the stream, and answers its questions.
//
// Changes and writes run on the session's reading goroutine, so their effect is
// in the file system before they are acknowledged (with async="none" on its
// disk). Questions that read much run on goroutines of their own, at most a few
// at a time; Close waits for them. An error of a change ends the session: nothing
// is ever applied in part and passed over.
package apply
