package cli

import (
	"errors"
	"slices"
	"strings"
)

// longOptions are the reference's options of several letters behind a single
// dash. Everything else of that form is a cluster of one-letter options.
var longOptions = []string{"name", "argregex", "level", "passwd", "user", "rcmdpasswd", "rcmduser", "unsecure", "lq", "all", "try", "help"}

// arrange brings the words of a command line into the form the command tree
// reads: the reference puts -H, -p and -r before or in place of the verb and
// has long options behind one dash (commands.md section 1).
func arrange(words []string) ([]string, error) {
	if len(words) == 0 {
		return nil, nil
	}
	switch words[0] {
	case "-p":
		return append([]string{"env"}, words[1:]...), nil
	case "-r":
		return append([]string{"run"}, words[1:]...), nil
	case "-H":
		return arrangeRemote(words[1:])
	case "run":
		return words, nil
	case "printi", "printw", "printe":
		return arrangeMessage(words), nil
	}
	return longer(words), nil
}

// arrangeRemote reads what follows -H.
func arrangeRemote(words []string) ([]string, error) {
	if len(words) == 0 {
		return nil, errors.New("-H wants servers: safekit -H \"*\" COMMAND")
	}
	out := []string{"remote", "--servers=" + words[0]}
	rest := words[1:]
	if len(rest) == 0 {
		return nil, errors.New("-H wants a command, -G or -E AM after the servers")
	}
	switch rest[0] {
	case "-G":
		return append(append(out, "--cluster"), rest[1:]...), nil
	case "-E":
		if len(rest) < 2 {
			return nil, errors.New("-E wants the name of a module")
		}
		return append(append(out, "--deploy="+rest[1]), rest[2:]...), nil
	}
	return append(append(out, "--"), rest...), nil
}

// arrangeMessage keeps a message that begins with a dash a message.
func arrangeMessage(words []string) []string {
	flags, message := words[:1:1], []string{"--"}
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case (w == "-m" || w == "-u" || w == "--module") && i+1 < len(words):
			flags = append(flags, w, words[i+1])
			i++
		case w == "-h", w == "--help", strings.HasPrefix(w, "--module="):
			flags = append(flags, w)
		case w == "--":
		default:
			message = append(message, w)
		}
	}
	return append(flags, message...)
}

// longer gives known long options their second dash.
func longer(words []string) []string {
	out := slices.Clone(words)
	for i, w := range out {
		if w == "--" {
			break
		}
		name, ok := strings.CutPrefix(w, "-")
		name, _, _ = strings.Cut(name, "=")
		if ok && slices.Contains(longOptions, name) {
			out[i] = "-" + w
		}
	}
	return out
}
