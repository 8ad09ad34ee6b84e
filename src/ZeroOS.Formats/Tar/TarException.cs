namespace ZeroOS.Formats.Tar;

/// <summary>A tar archive that cannot be read as it stands: the message says which entry and why.</summary>
public sealed class TarException(string message) : FormatException(message);
