/** What HTTP shows of the application. Reads what other rooms publish; decides nothing. */
package io.hyperstream.app.http;
