/**
 * How answers are read off encoder states. A family offers a {@link
 * io.hyperstream.model.readout.LabelReadout} and, if it can write, a {@link
 * io.hyperstream.model.readout.TextReadout}. Nothing of a single architecture.
 */
package io.hyperstream.model.readout;
