/**
 * The command line: parses arguments, reads files, talks to Kafka as any client would, and prints.
 * Data goes to standard output, everything for people to standard error. No inference logic and no
 * topology lives here; a command that needs more than parsing, one call and printing is hiding
 * something another package should own.
 */
package io.hyperstream.app.cli;
