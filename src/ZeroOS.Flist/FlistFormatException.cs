namespace ZeroOS.Flist;

/// <summary>Bytes that claim to be part of a flist are not: what, which, why.</summary>
public sealed class FlistFormatException(string message) : Exception(message);
