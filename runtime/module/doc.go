// Package module is the life of modules on a node while they do not run:
// installed from a package, given an id, configured, packed, removed
// (safe-package.md sections 5-10, commands.md section 6). A module's files in
// use are Active; its supervisor reads them and never the edited ones.
//
// Everything that changes a module takes the store's lock, so that two
// commands cannot meet half way; each change appears at once or not at all.
package module
