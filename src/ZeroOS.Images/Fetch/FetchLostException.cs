namespace ZeroOS.Images.Fetch;

/// <summary>A fetch process ended, or stood still, before it had answered; the request may be made again of the next one.</summary>
internal sealed class FetchLostException(string message) : Exception(message);
