namespace ZeroOS.Oci.Registry;

/// <summary>What kind of thing went wrong with a registry; the numbers travel from the fetch process to the node.</summary>
public enum RegistryFailure
{
    /// <summary>It could not be reached, broke off, timed out, or has trouble of its own (5xx, 429). May pass.</summary>
    Unreachable = 1,

    /// <summary>It knows no such manifest or blob.</summary>
    NotFound = 2,

    /// <summary>It wants other credentials, or forbids.</summary>
    Denied = 3,

    /// <summary>It answered with something that breaks the protocol, a limit or a digest.</summary>
    Invalid = 4,
}

/// <summary>A registry did not do what was asked: which registry, what was asked, why not.</summary>
public sealed class RegistryException(RegistryFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind it is.</summary>
    public RegistryFailure Failure { get; } = failure;
}
