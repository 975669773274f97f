// Package ha is the vocabulary of the product: the words every other package
// uses for states, roles, resources, actions and data generations. It holds
// values and their text forms, and decides nothing.
//
// Source: reference pages states.md sections 1 and 10, failover-rules.md
// section 2.
package ha
