/**
 * What tests of several modules share: a real S3 server as a process, damage done to input, and
 * looks at what a thread allocates and a process holds. Never shipped; knows no module of ours.
 */
package io.hyperstream.testing;
