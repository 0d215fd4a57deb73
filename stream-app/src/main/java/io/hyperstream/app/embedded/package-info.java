/**
 * A real single-node Kafka and a real schema registry for those who have none: started before the
 * application and stopped after it, persistent under a data directory. It knows nothing of the
 * application's topics or records; everything else connects to it as to any other cluster.
 */
package io.hyperstream.app.embedded;
