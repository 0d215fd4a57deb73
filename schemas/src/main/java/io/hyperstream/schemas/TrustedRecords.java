package io.hyperstream.schemas;

import org.apache.avro.Conversion;
import org.apache.avro.specific.SpecificRecord;
import org.apache.avro.util.ClassSecurityValidator;
import org.apache.avro.util.ClassSecurityValidator.ClassSecurityPredicate;

/**
 * Tells Avro that the generated records may be instantiated. Since 1.12.2 Avro loads only classes
 * it was told to trust, which it otherwise learns from JVM flags; nobody should have to set any.
 * Avro itself loads this class as a service before the first generated record is used; it converts
 * nothing.
 */
public final class TrustedRecords extends Conversion<TrustedRecords.Nothing> {
  static {
    ClassSecurityValidator.setGlobal(
        ClassSecurityValidator.composite(
            ClassSecurityValidator.getGlobal(), (ClassSecurityPredicate) TrustedRecords::isOurs));
  }

  /** The Java type of a logical type that does not exist. */
  static final class Nothing {
    private Nothing() {}
  }

  private static boolean isOurs(Class<?> type) {
    return type.getPackageName().equals(TrustedRecords.class.getPackageName())
        && (SpecificRecord.class.isAssignableFrom(type) || type.isEnum());
  }

  @Override
  public Class<Nothing> getConvertedType() {
    return Nothing.class;
  }

  @Override
  public String getLogicalTypeName() {
    return "hyperstream-none";
  }
}
