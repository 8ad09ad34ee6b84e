namespace ZeroOS.Formats.Fat;

/// <summary>The bytes are no FAT32 file system that can be written to safely; the message says why.</summary>
public sealed class FatException(string message, Exception? cause = null) : IOException(message, cause);
