// Package rule is the language of failover rules,
//
//	label: if (condition) then action();
//
// and the small subset of Lua that older packages use for the same thing. It
// turns text into values that print themselves back, checks their types, and
// evaluates their conditions against a View. It is pure: it owns no goroutine,
// reads no clock, executes nothing, and is safe on foreign text, whose size,
// count and nesting are bounded.
//
// Source: reference page failover-rules.md sections 4 to 6, 11 and 12.
package rule
