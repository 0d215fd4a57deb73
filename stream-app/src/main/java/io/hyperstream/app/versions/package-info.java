/**
 * An adapter version between its record and the model: what the roles that publish and that serve
 * versions share. Knows the record's fields, half precision and where weights lie, but no topology.
 */
package io.hyperstream.app.versions;
