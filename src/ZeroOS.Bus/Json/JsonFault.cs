using System.Text.Json;

namespace ZeroOS.Bus.Json;

/// <summary>Why a text does not fit its contract: a sentence, and the field where it is known ("workloads[2].data.cpu").</summary>
public sealed record JsonFault(string Message, string? Path)
{
    /// <summary>What the serializer threw, in our words and without its type names.</summary>
    internal static JsonFault From(Exception exception)
    {
        string message = exception.Message;
        string? path = Clean((exception as JsonException)?.Path ?? PathIn(message));
        if (message.Contains("could not be mapped", StringComparison.Ordinal))
            return new JsonFault($"unknown field \"{Quoted(message)}\"", path);
        if (message.Contains("missing required properties", StringComparison.Ordinal))
            return new JsonFault("missing: " + Missing(message), path);
        if (exception is NotSupportedException || message.Contains("type discriminator", StringComparison.Ordinal))
            return new JsonFault("\"type\" is missing or not a known workload type", path);
        if (message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal))
            return new JsonFault("not a value of the kind expected here", path);
        int technical = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return new JsonFault(technical < 0 ? message : message[..technical].TrimEnd('.'), path);
    }

    /// <summary>NotSupportedException has the path only in its text: "... Path: $.workloads[0] | LineNumber: ...".</summary>
    private static string PathIn(string message)
    {
        int from = message.IndexOf(" Path: ", StringComparison.Ordinal);
        int to = from < 0 ? -1 : message.IndexOf(" |", from, StringComparison.Ordinal);
        return to < 0 ? "" : message[(from + 7)..to];
    }

    private static string? Clean(string path)
    {
        string text = path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path.TrimStart('$');
        // A person wrote the deployment; the message around it is ours, and the engine's own refusals begin where the deployment does.
        if (text.StartsWith("deployment.", StringComparison.Ordinal))
            text = text["deployment.".Length..];
        return text.Length == 0 ? null : text;
    }

    private static string Quoted(string message)
    {
        int from = message.IndexOf('\'', StringComparison.Ordinal);
        int to = message.IndexOf('\'', from + 1);
        return from >= 0 && to > from ? message[(from + 1)..to] : "?";
    }

    private static string Missing(string message)
    {
        int colon = message.LastIndexOf(':');
        return message[(colon + 1)..].Trim().TrimEnd('.').Replace("'", "\"", StringComparison.Ordinal);
    }
}
