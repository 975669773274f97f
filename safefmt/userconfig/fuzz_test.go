package userconfig

import (
	"errors"
	"testing"
)

// FuzzParse wants no panic, bounded reports, and from each valid file a
// safeconf.xml that gives the same configuration back.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"valid/*.xml", "invalid/*.xml"} {
		for _, file := range seeds(f, pattern) {
			f.Add(read(f, file))
		}
	}
	env := testEnv()
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, warnings, err := Parse("userconfig.xml", src, env)
		if len(warnings) > maxErrors {
			t.Fatalf("%d warnings", len(warnings))
		}
		var errs Errors
		switch {
		case err == nil:
			checkRoundTrip(t, cfg)
		case !errors.As(err, &errs) || len(errs) == 0 || len(errs) > maxErrors+1:
			t.Fatalf("errors %v", err)
		case cfg != nil:
			t.Fatal("a configuration in spite of errors")
		}
	})
}

// FuzzSetAttr wants an edit to change nothing but the value asked for.
func FuzzSetAttr(f *testing.F) {
	for _, file := range seeds(f, "valid/*.xml") {
		f.Add(read(f, file), "service", "mode", "light")
	}
	f.Add(editedSource(), "service/check/tcp[@ident='db']/to", "port", "é€<&'\"")
	f.Fuzz(func(t *testing.T, src []byte, path, attr, value string) {
		out, err := SetAttr(src, path, attr, value)
		if err != nil {
			return
		}
		doc, err := readDocument(out)
		if err != nil {
			t.Fatal(err)
		}
		n, err := doc.find(path)
		if err != nil {
			return // the edit changed the attribute the path tests
		}
		if a := n.lookup(attr); a == nil || a.value != value {
			t.Fatalf("%s@%s is not %q in %q", path, attr, value, out)
		}
	})
}
