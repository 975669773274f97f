// Package resync brings a secondary up to date while the application goes on.
// The primary drives it:
//
//  1. Names: both trees are walked and the secondary's is made like the primary's:
//     names, types, links, attributes, empty files. Directories in which the
//     application changes something meanwhile are walked again; the last few
//     while modifications are held, for a moment.
//  2. From that moment every modification also goes to the secondary.
//  3. Content: of each file that may differ, the blocks that may differ are
//     compared by digest and those that do are copied, under the file's lock.
//
// Which blocks may differ: with trusted maps the union of both nodes' dirty
// maps, for files whose content has the same identity on both; all blocks of
// other files. The package owns its goroutines; Run returns when they have ended.
package resync
