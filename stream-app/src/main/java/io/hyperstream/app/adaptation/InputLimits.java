package io.hyperstream.app.adaptation;

import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;

/**
 * What every label and command has to keep to, whatever the task. Immutable.
 *
 * @param recordBytes of a record's value
 * @param textChars of text and second text together
 */
record InputLimits(int recordBytes, int textChars) {
  private static final int MAX_ID_CHARS = 256;
  private static final int MAX_LABEL_CHARS = 1_024;
  private static final int MAX_NOTE_CHARS = 4_096;

  void checkSize(byte[] value) throws InvalidInputException {
    if (value != null && value.length > recordBytes) {
      throw new InvalidInputException(
          ErrorCode.REQUEST_TOO_LARGE,
          "the record has "
              + value.length
              + " bytes, the limit (hyperstream.limits.max-request-bytes) is "
              + recordBytes);
    }
  }

  void check(LabelEvent label) throws InvalidInputException {
    ErrorCode code = ErrorCode.INVALID_LABEL;
    checkTaskId(code, label.getTaskId());
    checkLength(code, "source", label.getSource(), 0, MAX_NOTE_CHARS);
    if (label.getLabel() != null) {
      checkLength(code, "label", label.getLabel(), 1, MAX_LABEL_CHARS);
    }
    if (label.getText() != null) {
      checkText(label.getText(), label.getTextPair());
    } else if (label.getRequestId() != null) {
      checkLength(code, "requestId", label.getRequestId(), 1, MAX_ID_CHARS);
    } else {
      throw new InvalidInputException(
          code, "the label has neither text nor requestId; it needs one of them");
    }
  }

  void check(AdaptationCommand command) throws InvalidInputException {
    ErrorCode code = ErrorCode.INVALID_COMMAND;
    checkTaskId(code, command.getTaskId());
    checkLength(code, "commandId", command.getCommandId(), 1, MAX_ID_CHARS);
    checkLength(code, "reason", command.getReason(), 0, MAX_NOTE_CHARS);
  }

  void check(InferenceRequest request) throws InvalidInputException {
    ErrorCode code = ErrorCode.INVALID_REQUEST;
    checkTaskId(code, request.getTaskId());
    checkLength(code, "requestId", request.getRequestId(), 1, MAX_ID_CHARS);
    checkText(request.getText(), request.getTextPair());
  }

  private void checkText(String text, String pair) throws InvalidInputException {
    if (text.isBlank()) {
      throw new InvalidInputException(
          ErrorCode.EMPTY_TEXT, "the text is empty or white space only; send some text");
    }
    long chars = (long) text.length() + (pair == null ? 0 : pair.length());
    if (chars > textChars) {
      throw new InvalidInputException(
          ErrorCode.TEXT_TOO_LONG,
          "the text has "
              + chars
              + " characters, the limit (hyperstream.limits.max-text-chars) is "
              + textChars);
    }
  }

  private static void checkTaskId(ErrorCode code, String taskId) throws InvalidInputException {
    try {
      TaskDefinition.checkTaskId(taskId);
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(code, e.getMessage());
    }
  }

  private static void checkLength(ErrorCode code, String field, String value, int least, int most)
      throws InvalidInputException {
    if (value.length() > most || (least > 0 && value.isBlank())) {
      throw new InvalidInputException(
          code,
          field
              + (least > 0 ? " is 1 to " : " is at most ")
              + most
              + " characters"
              + (least > 0 ? " and not only white space" : "")
              + "; got "
              + value.length());
    }
  }
}
