/** Errors as callers see them: RFC 9457, without anything that is only ours to know. */
package io.hyperstream.app.http.problem;
