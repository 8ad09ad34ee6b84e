namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>The bytes are no event log of the crypto-agile format, or one past the bounds; the message names the event and its offset.</summary>
public sealed class EventLogException(string message) : Exception(message);
