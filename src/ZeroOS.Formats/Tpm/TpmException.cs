namespace ZeroOS.Formats.Tpm;

/// <summary>A TPM's answer, or a structure that came from one, that is not as the specification has it; the message says what and why.</summary>
public class TpmException(string message) : FormatException(message);
