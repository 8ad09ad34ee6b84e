namespace ZeroOS.Node.Identity;

/// <summary>The node cannot say who it is, and must not become somebody else by itself. A person decides.</summary>
public sealed class IdentityException(string message) : Exception(message);
