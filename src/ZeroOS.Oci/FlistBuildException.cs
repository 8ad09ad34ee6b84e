namespace ZeroOS.Oci;

/// <summary>An image that cannot become a flist: the message says what is wrong with it and where.</summary>
public sealed class FlistBuildException : Exception
{
    public FlistBuildException(string message) : base(message)
    {
    }

    public FlistBuildException(string message, Exception inner) : base(message, inner)
    {
    }
}
