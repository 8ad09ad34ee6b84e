namespace ZeroOS;

/// <summary>
/// Select and Where for the whole node. The nearer namespace wins over System.Linq, whose Select asks the sequence itself by a generic virtual method: compiled
/// ahead of time, that is one class for every pair of an element type and a result type of the program, in ten kinds of sequence, met or not - 6 MB of a 30 MB
/// program.
/// </summary>
public static class Sequences
{
    /// <summary>The elements that <paramref name="predicate"/> takes, when they are asked for.</summary>
    public static IEnumerable<TSource> Where<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)
    {
        foreach (TSource element in source)
        {
            if (predicate(element))
                yield return element;
        }
    }

    /// <summary>What <paramref name="selector"/> makes of each element, when it is asked for.</summary>
    public static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)
    {
        foreach (TSource element in source)
            yield return selector(element);
    }

    /// <summary>What <paramref name="selector"/> makes of each element and its index, when it is asked for.</summary>
    public static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, int, TResult> selector)
    {
        int index = 0;
        foreach (TSource element in source)
            yield return selector(element, index++);
    }
}
