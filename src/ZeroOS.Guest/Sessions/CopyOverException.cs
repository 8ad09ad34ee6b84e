namespace ZeroOS.Guest.Sessions;

/// <summary>A copy cannot go on because its session is over, or its client wants no more: nothing is said about it any more.</summary>
internal sealed class CopyOverException : Exception;
