namespace ZeroOS.Formats.Erofs;

/// <summary>A tree that does not fit into the file system: the message says what and which limit.</summary>
public sealed class ErofsException(string message) : Exception(message);
