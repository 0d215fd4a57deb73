/**
 * What a family of models has to offer to be served: one package with a {@link
 * io.hyperstream.model.family.ModelFamily} and one entry in {@code LoadedModel}'s list.
 */
package io.hyperstream.model.family;
