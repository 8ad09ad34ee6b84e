using System.Text;

using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Deployments;

/// <summary>How much programs may remember with a deployment. What it says is theirs: nobody here reads it.</summary>
internal static class AnnotationRules
{
    /// <summary>Annotations of a deployment at most.</summary>
    public const int Most = 64;

    /// <summary>Bytes of a key, of a value, and of all keys and values of a deployment, at most; UTF-8.</summary>
    public const int KeyBytes = 128, ValueBytes = 8 * 1024, TotalBytes = 32 * 1024;

    /// <summary>Checks them; absent is none.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the path of the first fault.</exception>
    public static void Check(IReadOnlyDictionary<string, string>? annotations)
    {
        if (annotations is null)
            return;
        if (annotations.Count > Most)
            throw Refuse.Invalid("annotations", $"a deployment has at most {Most} annotations");
        int total = 0;
        foreach ((string key, string value) in annotations)
        {
            int keyBytes = Encoding.UTF8.GetByteCount(key), valueBytes = Encoding.UTF8.GetByteCount(value);
            if (keyBytes is 0 or > KeyBytes)
                throw Refuse.Invalid("annotations", $"an annotation's key has 1 to {KeyBytes} bytes");
            if (valueBytes > ValueBytes)
                throw Refuse.Invalid($"annotations.{key}", $"an annotation's value has at most {ValueBytes} bytes");
            total += keyBytes + valueBytes;
        }
        if (total > TotalBytes)
            throw Refuse.Invalid("annotations", $"all annotations of a deployment have at most {TotalBytes} bytes");
    }
}
